import { BanyanConfigError } from '@banyan/contracts';
import { readDeclaration } from '../config/declaration.ts';
import type { Declaration } from '../config/declared.ts';
import { ok, problem, type Finding } from './finding.ts';

/** Whether the declaration can be read, and what it says. */
export async function checkConfig(
  file: string,
  options: { readonly sample?: boolean } = {},
): Promise<{ readonly findings: readonly Finding[]; readonly declaration: Declaration | null }> {
  try {
    const declaration = await readDeclaration({ file, ...options });
    const names = declaration.config.slices.map(({ name }) => name).join(', ');
    const notices = declaration.notices.map((got): Finding => ({
      check: 'configuration',
      verdict: 'warning',
      got,
      remedy: null,
    }));
    return { findings: [ok('configuration', `${file}: ${names}`), ...notices], declaration };
  } catch (error) {
    if (!(error instanceof BanyanConfigError)) throw error;
    const got = error.problems.join('; ');
    return {
      findings: [problem('configuration', `${file}: ${got}`, 'correct that file')],
      declaration: null,
    };
  }
}
