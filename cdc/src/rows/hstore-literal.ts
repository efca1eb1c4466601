/**
 * Reads PostgreSQL's text of an hstore, e.g. `"a"=>"1", "b"=>NULL`, as JSON text: `{"a":"1","b":null}`. The order is
 * PostgreSQL's (by length, then bytes); JSON text is built by hand since an object would move keys like `1` to the front.
 *
 * @throws RangeError when the text is not of an hstore.
 */
export function hstoreToJson(text: string): string {
  const pairs: string[] = [];
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex < text.length) {
    const at = PAIR.lastIndex;
    const match = PAIR.exec(text);
    if (!match) throw new RangeError(`Not an hstore (at character ${at}).`);
    const [, key = '', value] = match;
    pairs.push(
      `${JSON.stringify(unescape(key))}:${value === undefined ? 'null' : JSON.stringify(unescape(value))}`,
    );
  }
  return `{${pairs.join(',')}}`;
}

/** One pair with its separator; the value is undefined for NULL. */
const PAIR = /"((?:[^"\\]|\\.)*)"=>(?:"((?:[^"\\]|\\.)*)"|NULL)(?:, |$)/gsy;

function unescape(quoted: string): string {
  return quoted.includes('\\') ? quoted.replace(/\\(.)/gs, '$1') : quoted;
}
