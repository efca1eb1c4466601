/** A phrase that does not pass, and what to write in its place. */
export interface ProseRule {
  /** A space in it stands for any white space: a phrase may go on in the next line. */
  readonly pattern: RegExp;
  readonly instead: string;
  /** Texts that it looks at. Default: documents and the command's texts. */
  readonly only?: 'documents';
}

/** The phrases of `npm run lint:prose`. A new one goes in once the texts pass it. */
export const proseRules: readonly ProseRule[] = [
  {
    pattern: /\banew\b/i,
    instead: 'the feed "restarts", a copy "is resynced", a process "is restarted"; else "again"',
    only: 'documents',
  },
  { pattern: /\bmend(s|ed|ing)?\b/i, instead: 'fix; for rows of a copy: repair', only: 'documents' },
  { pattern: /\bput(s|ting)? (\w+ ){0,2}right\b/i, instead: 'repair, fix' },
  {
    pattern: /\b(let|lets|letting) (\w+ ){0,2}go\b/i,
    instead: 'skip (a record), release, drop',
    only: 'documents',
  },
  {
    pattern:
      /\b(records?|keys?|rows?|events?|payloads?|is|are|was|were|nothing|anything|everything) (that (is|are) )?held\b/i,
    instead: '"in quarantine" for records; requests alone are held',
    only: 'documents',
  },
  { pattern: /\bhad better\b/i, instead: 'should' },
  { pattern: /\bto be had\b/i, instead: 'available', only: 'documents' },
  { pattern: /\bso that nobody\b/i, instead: 'so nobody', only: 'documents' },
  {
    pattern:
      /\b(seamless(ly)?|effortless(ly)?|powerful|blazing(ly)?|elegant(ly)?|robust(ly)?|best-in-class|battle-tested|state-of-the-art|world-class|cutting-edge|beautiful(ly)?)\b/i,
    instead: 'say what it does, with a figure',
  },
  { pattern: /\b(simply|easily|obviously|of course|just works)\b/i, instead: 'leave it out' },
  { pattern: /\b(utili[sz]es?|utili[sz]ing|leverag(e|es|ing))\b/i, instead: 'use' },
  { pattern: /\bin order to\b/i, instead: 'to' },
];
