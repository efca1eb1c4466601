import { PIN_COOKIE, VISITOR_COOKIE, type VisitorSettings } from '@banyan/contracts';

/**
 * What of a request header a service may have: its value, the rest of its value, or null for nothing of it.
 *
 * @param name In lower case.
 */
export type Withhold = (name: string, value: string) => string | null;

/**
 * Keeps back what a service could act in a customer's name with, and what is between client and proxy: session cookie,
 * `Authorization`, API keys, a gateway's word on who it is, pins and visitor ids. Other cookies pass; a page's form
 * needs its csrf cookie. Who asks is said by the signed identity alone.
 */
export function createWithhold({ identity, keys }: VisitorSettings): Withhold {
  const headers = new Set(['authorization']);
  const cookies = new Set<string>([PIN_COOKIE, VISITOR_COOKIE]);
  for (const source of identity) {
    if ('cookie' in source) cookies.add(source.cookie);
    if ('header' in source) headers.add(source.header).add(source.name ?? source.header);
  }
  for (const key of keys) {
    if (typeof key === 'object' && 'apiKey' in key) headers.add(key.apiKey);
  }
  return (name, value) => {
    // To CGI and its kin `x_api_key` is `x-api-key`.
    if (headers.has(name.replaceAll('_', '-'))) return null;
    if (name !== 'cookie') return value;
    const pairs = value.split(';').map((pair) => pair.trim());
    const passing = pairs.filter((pair) => pair !== '' && !cookies.has(pair.split('=', 1)[0]?.trim() ?? ''));
    return passing.length === 0 ? null : passing.join('; ');
  };
}
