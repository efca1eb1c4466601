import { ask, look, type Act } from './life.ts';
import { inventAccount } from './writing.ts';

/** Signs in, or up when he has no account. */
export const enter: Act = async (life, visit) => {
  const kind = life.account ? 'sign-in' : 'sign-up';
  if (!(await look(life, visit, kind, `/${kind}`))) return;
  const person = life.account ?? inventAccount(life.random, `${life.mark}-${++life.accountsMade}`);
  if (kind === 'sign-up') life.reviewed.clear();
  const { displayName, email, password } = person;
  const fields = kind === 'sign-in' ? { email, password } : { displayName, email, password };
  const send = () => visit.session.post(`/${kind}`, { ...fields, next: '/' });
  const page = await ask(life, { kind, expected: [303], send });
  visit.entered = page !== null;
  // Whether a failed sign-up made an account is unknown, and a shop set up anew has forgotten all: begin afresh.
  life.account = page ? person : null;
};

/** Signs out. */
export const leave: Act = async (life, visit) => {
  if (!visit.entered) return;
  const send = () => visit.session.post('/sign-out', {});
  await ask(life, { kind: 'sign-out', expected: [303], send });
  visit.entered = false;
};
