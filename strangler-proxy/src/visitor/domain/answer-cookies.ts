/**
 * What a shared cache may do with an answer: `never` keep it, keep it by what it says (`may`), or by its own judgement
 * (`unsaid`, RFC 9111 4.2.2).
 */
export type Sharing = 'never' | 'may' | 'unsaid';

const forSharedCachesAlone = /^(?:surrogate-control|(?:.+-)?cdn-cache-control)$/; // RFC 9213

function directivesOf(value: string): ReadonlyMap<string, string> {
  return new Map(
    value.split(',').map((part) => {
      const [name = '', argument = ''] = part.trim().split(/=(.*)/s);
      return [name.toLowerCase(), argument.replaceAll('"', '')];
    }),
  );
}

/** Fields of a raw header list with their names in lower case. */
function* fieldsOf(raw: readonly string[]): Generator<[name: string, value: string]> {
  for (let i = 0; i + 1 < raw.length; i += 2) yield [raw[i]?.toLowerCase() ?? '', raw[i + 1] ?? ''];
}

/** @param raw Header list of the answer: name, value, name, value. @param nowMs The time of day. */
export function sharingOf(raw: readonly string[], nowMs: number): Sharing {
  let cacheControl = '';
  let expires: string | null = null;
  for (const [name, value] of fieldsOf(raw)) {
    if (name === 'cache-control') cacheControl += `,${value}`;
    else if (name === 'expires') expires = value;
    else if (forSharedCachesAlone.test(name) && !/\b(?:private|no-store)\b/i.test(value)) return 'may';
  }
  const said = directivesOf(cacheControl);
  // `private="field"` keeps back that field only.
  if (said.get('private') === '' || said.has('no-store')) return 'never';
  const maxAge = said.get('s-maxage') ?? said.get('max-age');
  if (said.has('public') || (maxAge !== undefined && Number(maxAge) !== 0)) return 'may';
  return maxAge === undefined && expires !== null && Date.parse(expires) > nowMs ? 'may' : 'unsaid';
}

const isHtml = (raw: readonly string[]): boolean => {
  for (const [name, value] of fieldsOf(raw)) {
    if (name === 'content-type') return /^\s*(?:text\/html|application\/xhtml\+xml)\b/i.test(value);
  }
  return false;
};

/**
 * True when this answer begins a page. A script's requests and pictures run beside each other, so that each would bring
 * another id and the last one would win, after pages were shown by the first.
 */
export function beginsPage(
  request: {
    readonly method: string;
    readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  },
  answer: readonly string[],
): boolean {
  if (request.method !== 'GET') return false;
  const mode = request.headers['sec-fetch-mode'];
  // Browsers leave it out over plain HTTP; others know nothing of it.
  if (mode === undefined) return isHtml(answer);
  return mode === 'navigate' && (request.headers['sec-fetch-dest'] ?? 'document') === 'document';
}

/**
 * Puts cookies on an answer so that no shared cache gives them to others: they are left out where one may keep it, and
 * make it private where nothing is said.
 *
 * @param options.isOwed True when they have to go with this answer and no later one.
 */
export function cookieHeaders(
  cookies: readonly string[],
  { sharing, isOwed }: { readonly sharing: Sharing; readonly isOwed: boolean },
): string[] {
  if (cookies.length === 0 || (sharing === 'may' && !isOwed)) return [];
  const headers = cookies.flatMap((cookie) => ['set-cookie', cookie]);
  return sharing === 'never' ? headers : [...headers, 'cache-control', 'private'];
}
