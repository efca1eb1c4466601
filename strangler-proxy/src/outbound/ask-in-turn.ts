/**
 * Asks one server after the other, until one answers.
 *
 * @param servers In the order in which they are to be asked; at least one.
 * @param signal Ends it, also between two.
 * @throws what asking the last one threw.
 */
export async function askInTurn<T>(
  servers: readonly string[],
  signal: AbortSignal,
  ask: (server: string) => Promise<T>,
): Promise<T> {
  for (const [index, server] of servers.entries()) {
    try {
      return await ask(server);
    } catch (error) {
      if (signal.aborted || index === servers.length - 1) throw error;
    }
  }
  throw new Error('the monolith has no address');
}
