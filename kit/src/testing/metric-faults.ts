/** Labels that a process may use: each has as many values as the installation has of that thing, never as many as requests. */
const BOUNDED_LABELS = new Set([
  'slice',
  'table',
  'phase',
  'gate',
  'slot',
  'proxy',
  'target',
  'reason',
  'result',
  'quantile',
  'route',
  'method',
  'status',
  'le',
]);

/** What Node's own client library prints of the process, under names that every dashboard of Node knows. */
const OF_THE_PROCESS = /^(process|nodejs)_/;
const OTHER_UNITS =
  /_(ms|milliseconds?|micros|us|ns|minutes?|hours?|days?|kb|mb|gb|kib|mib|gib|kilobytes|megabytes|percent)(_|$)/;
const TIME = /_(age|lag|remaining|duration|latency|response)(_|$)/;
const SIZE = /_(wal|bus|backlog|position)(_|$)/;

function faultsOfName(name: string, type: string, prefixes: readonly string[]): string[] {
  const faults: string[] = [];
  if (!prefixes.some((prefix) => name.startsWith(prefix)))
    faults.push(`begins with none of ${prefixes.join(', ')}`);
  if ((type === 'counter') !== name.endsWith('_total')) faults.push(`is a ${type}: _total is for counters`);
  if (OTHER_UNITS.test(name)) faults.push('has another unit than seconds, bytes or ratio');
  if (TIME.test(name) && !name.endsWith('_seconds')) faults.push('is a time, and its unit is _seconds');
  if (SIZE.test(name) && !name.endsWith('_bytes')) faults.push('is a size, and its unit is _bytes');
  if (/_share(_|$)/.test(name) && !name.endsWith('_ratio')) faults.push('is a share, and its unit is _ratio');
  return faults;
}

/**
 * What is wrong with the names of an answer of `/metrics`, by Prometheus's rules
 * (https://prometheus.io/docs/practices/naming/) and ours: one prefix, one unit for one thing, labels that cannot grow
 * with the requests.
 *
 * @param text Prometheus's text form.
 * @param prefixes What the names of this process begin with, e.g. `banyan_proxy_`.
 * @returns one text for each fault; none for good names. @throws Error when there is no metric of ours in it at all.
 */
export function metricFaults(text: string, prefixes: readonly string[]): string[] {
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => ({
    name,
    type,
  }));
  const ours = types.filter(({ name }) => !OF_THE_PROCESS.test(name));
  if (ours.length === 0) throw new Error(`no metric of ours in ${text.length} characters`);
  const helped = new Set([...text.matchAll(/^# HELP (\S+) \S/gm)].map(([, name]) => name));
  const ofNames = ours.flatMap(({ name, type }) => [
    ...faultsOfName(name, type, prefixes).map((fault) => `${name} ${fault}`),
    ...(helped.has(name) ? [] : [`${name} has no help`]),
  ]);
  const ofLabels = [...text.matchAll(/^(banyan_\w+)\{(.*)\} /gm)].flatMap(([, name = '', labels = '']) =>
    [...labels.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)]
      .map(([, label = '']) => label)
      .filter((label) => !BOUNDED_LABELS.has(label))
      .map((label) => `${name} has the label ${label}, which is not known to be bounded`),
  );
  return [...new Set([...ofNames, ...ofLabels])];
}
