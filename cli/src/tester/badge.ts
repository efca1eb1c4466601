/** Who answered a page, and whom this window asks: a chosen side, or whoever is this visitor's. */
export interface Badge {
  readonly servedBy: string;
  readonly side: string | null;
  /** Path and query of the page, for the links that lead back to it. */
  readonly path: string;
}

export const BADGE_CSS_PATH = '/.banyan/badge.css';
export const ASK_PATH = '/.banyan/ask';

/** A style sheet of the same address as the page, since the site's policy allows no other style. */
export const BADGE_CSS = `.banyan-badge { position: fixed; right: 1rem; bottom: 1rem; z-index: 9999; padding: 0.7rem 1rem;
  border-radius: 10px; font: 14px/1.5 system-ui, sans-serif; color: #fff; background: #4a4458; box-shadow: 0 2px 12px #0006; }
.banyan-badge.service { background: #0b5d3b; }
.banyan-badge b { display: block; font-size: 16px; }
.banyan-badge a { color: #fff; margin-right: 0.7rem; }
.banyan-badge a[aria-current] { font-weight: 700; text-decoration: none; }
`;

const SIDES = [
  ['mine', 'my own side'],
  ['service', 'the service'],
  ['monolith', 'the monolith'],
] as const;

/** The page with a badge at its end that says who answered it. */
export function withBadge(html: string, { servedBy, side, path }: Badge): string {
  const links = SIDES.map(([name, text]) => {
    const current = name === (side ?? 'mine') ? ' aria-current="true"' : '';
    return `<a href="${ASK_PATH}?side=${name}&amp;back=${encodeURIComponent(path)}"${current}>${text}</a>`;
  });
  const who = servedBy === 'service' || servedBy === 'monolith' ? servedBy : 'unknown';
  const badge =
    `<link rel="stylesheet" href="${BADGE_CSS_PATH}"><aside class="banyan-badge ${who}" aria-label="Banyan">` +
    `<b>Answered by: ${who}</b>Ask ${links.join('')}</aside>`;
  const end = html.lastIndexOf('</body>');
  return end < 0 ? html + badge : html.slice(0, end) + badge + html.slice(end);
}
