import type { CatalogTable } from '@banyan/contracts';
import { isCancel, multiselect } from '@clack/prompts';
import { printable } from '@banyan/kit';
import { CommandError } from '../output/command-error.ts';
import { looksPersonal } from './looks-personal.ts';

/**
 * Asks at the terminal which columns of a table are copied. None but the key's is chosen before.
 *
 * @throws CommandError `interrupted` when whoever is asked goes away
 */
export async function askColumns({ name, key, columns }: CatalogTable): Promise<readonly string[]> {
  const chosen = await multiselect({
    message: `Which columns of ${printable(name)} does the service need? What it does not need stays where it is.`,
    options: columns
      .filter(({ problem }) => problem === null)
      .map((column) => {
        const hints = [
          column.type,
          ...(key.includes(column.name) ? ['key, copied anyway'] : []),
          ...(looksPersonal(name, column.name) ? ['looks personal'] : []),
        ];
        return { value: column.name, label: printable(column.name), hint: printable(hints.join('; ')) };
      }),
    initialValues: [...key],
    required: true,
  });
  if (!isCancel(chosen)) return chosen;
  throw new CommandError({
    code: 'interrupted',
    message: 'Nothing was made.',
    exitCode: 130,
    nextSteps: ['banyan new service --help'],
  });
}
