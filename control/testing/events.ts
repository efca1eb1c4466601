/** Reads server-sent events of one name from a response, as parsed JSON. */
export async function* readEvents<T>(response: Response, name: string): AsyncGenerator<T> {
  if (!response.body) return;
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const data = lines.find((line) => line.startsWith('data: '));
      if (lines.includes(`event: ${name}`) && data) yield JSON.parse(data.slice('data: '.length)) as T;
    }
  }
}
