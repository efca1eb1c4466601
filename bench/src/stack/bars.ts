import type { Line, Measurement } from '../feed/measurement.ts';

const WIDTH = 860;
const LABEL_WIDTH = 350;
const BAR_WIDTH = 380;
const ROW_HEIGHT = 22;
const HEAD_HEIGHT = 34;
/** Dark enough for white paper, and told apart without colour by the labels. */
const OURS = '#1f6f54';
const OTHERS = '#8a8f98';

/**
 * Measurements as bars, one panel for each measurement and unit, each scaled to its own longest bar. Every figure is
 * written beside its bar, since the bars alone say nothing to people who do not see them.
 *
 * @returns an SVG file with a title and a description for screen readers.
 */
export function barsOf(measurements: readonly Measurement[]): string {
  const drawn: string[] = [];
  let y = 0;
  for (const { title, lines } of measurements) {
    for (const unit of new Set(lines.map((line) => line.unit))) {
      const same = lines.filter((line) => line.unit === unit);
      drawn.push(panel({ title: `${title}, ${unit}`, lines: same, y }));
      y += HEAD_HEIGHT + same.length * ROW_HEIGHT;
    }
  }
  const about = measurements.map(({ title }) => title).join('; ');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 12}" role="img" aria-labelledby="title desc" font-family="sans-serif" font-size="13">
<title id="title">Both stacks measured side by side</title>
<desc id="desc">Bars of the figures in the tables of the page: ${escaped(about)}.</desc>
<rect width="100%" height="100%" fill="#ffffff"/>
${drawn.join('\n')}
</svg>
`;
}

function panel({ title, lines, y }: { title: string; lines: readonly Line[]; y: number }): string {
  const longest = Math.max(...lines.map(({ value }) => value));
  const rows = lines.map(({ name, value }, index) => {
    const top = y + HEAD_HEIGHT + index * ROW_HEIGHT;
    const width = longest > 0 ? Math.max(1, Math.round((value / longest) * BAR_WIDTH)) : 1;
    const fill = /banyan|embedded/i.test(name) ? OURS : OTHERS;
    return [
      `<text x="${LABEL_WIDTH - 8}" y="${top + 13}" text-anchor="end" fill="#22262b">${escaped(name)}</text>`,
      `<rect x="${LABEL_WIDTH}" y="${top + 1}" width="${width}" height="${ROW_HEIGHT - 6}" fill="${fill}"/>`,
      `<text x="${LABEL_WIDTH + width + 6}" y="${top + 13}" fill="#22262b">${figure(value)}</text>`,
    ].join('\n');
  });
  return [
    `<text x="8" y="${y + 24}" font-weight="bold" fill="#22262b">${escaped(title)}</text>`,
    ...rows,
  ].join('\n');
}

function figure(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 100 ? 1 : 0 });
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
