import { fileURLToPath } from 'node:url';
import type { ErrorAnswer, Face, FrameLocals } from '@banyan/service';
import ejs from 'ejs';

const OWN_VIEWS = fileURLToPath(new URL('../views', import.meta.url));

/** What the shop's frame shows around every page. A copy: the shop knows nothing of its services. */
const FRAME = {
  shopName: 'Alderwick',
  departments: [
    { slug: 'seating', name: 'Seating' },
    { slug: 'tables', name: 'Tables' },
    { slug: 'lighting', name: 'Lighting' },
    { slug: 'textiles', name: 'Textiles' },
    { slug: 'kitchen', name: 'Kitchen' },
    { slug: 'storage', name: 'Storage' },
  ],
} as const;

const HEADINGS: Readonly<Record<number, string>> = {
  400: 'We could not read that',
  401: 'Please sign in',
  403: 'That was not allowed',
  404: 'Page not found',
  409: 'That did not work',
  413: 'That was too large',
  422: 'Something needs another look',
  503: 'We will be back shortly',
};

/** The shop's JSON for an error, field by field. */
function errorBody({ code, message, fields }: ErrorAnswer): object {
  return { error: { code, message, ...(fields ? { fields } : {}) } };
}

/**
 * The shop as its visitors know it, for the services that take routes over from it: its frame around each page, its error
 * page and error JSON, and its token for forms. Templates are EJS, compiled once; `layout-top`, `layout-bottom` and
 * `pager` are there to include.
 *
 * @param views folder of the service's own templates, e.g. `new URL('views/', import.meta.url)`
 */
export function shopFace(views: URL): Face {
  const folders = [fileURLToPath(views), OWN_VIEWS];
  const render = (folder: string, template: string, locals: object): Promise<string> =>
    ejs.renderFile(`${folder}/${template}.ejs`, { ...FRAME, ...locals }, { views: folders, cache: true });
  const [own = OWN_VIEWS] = folders;
  return {
    csrfCookie: 'csrf',
    errorBody,
    pages: {
      render: (template, locals, frame) => render(own, template, { ...frame, ...locals }),
      renderError: ({ status, message }: ErrorAnswer, frame: FrameLocals) => {
        const heading = HEADINGS[status] ?? 'Something went wrong';
        return render(OWN_VIEWS, 'error', { ...frame, title: heading, heading, message });
      },
    },
  };
}
