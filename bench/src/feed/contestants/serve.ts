/** What a contestant does for each kind of message; what it returns is the answer. */
export type Orders = Readonly<
  Record<string, (message: Readonly<Record<string, unknown>>) => Promise<object>>
>;

/**
 * Answers the parent's messages (`{ kind, ... }`), one answer each, and ends when the parent is gone. An order that
 * fails ends the process: its parent says which.
 */
export function serve(orders: Orders, ready: object = {}): void {
  process.on('disconnect', () => process.exit(0));
  process.on('message', (message: Readonly<Record<string, unknown>> & { readonly kind: string }) => {
    const order = orders[message.kind];
    if (!order) throw new Error(`A contestant does not know the order "${message.kind}".`);
    order(message).then(
      (answer) => process.send?.(answer),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
  process.send?.({ kind: 'ready', ...ready });
}
