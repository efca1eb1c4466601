/** What customers read on the shop's pages. Only links and text are looked at, as a person would. */

const LINK = /<a\b[^>]*?\bhref="([^"]*)"/g;
const PRODUCT = /^\/products\/([a-z0-9-]+)$/;
const CATEGORY = /^\/categories\/([a-z0-9-]+)$/;

function slugs(html: string, pattern: RegExp): readonly string[] {
  const found = [...html.matchAll(LINK)].flatMap(([, href = '']) => pattern.exec(href)?.[1] ?? []);
  return [...new Set(found)];
}

/** Slugs of the products that a page links to. */
export const productLinks = (html: string): readonly string[] => slugs(html, PRODUCT);

/** Slugs of the categories that a page links to. */
export const categoryLinks = (html: string): readonly string[] => slugs(html, CATEGORY);

/** Whether a page shows a text as the whole content of an element. A form's value does not count. */
export function showsText(html: string, text: string): boolean {
  const escaped = text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`>\\s*${escaped}\\s*<`).test(html);
}
