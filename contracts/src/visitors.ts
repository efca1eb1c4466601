import { z } from 'zod';

const cookieName = z.string().regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, "a cookie's name, e.g. connect.sid");
const headerName = z
  .string()
  .regex(/^[a-z0-9-]+$/, 'a header name in lower case, e.g. x-api-key')
  .refine(
    (name) => !name.startsWith('banyan-') && !['authorization', 'cookie', 'host'].includes(name),
    'a header of the monolith’s own; for cookies and bearer tokens there are { cookie } and { bearer }',
  );
const field = z.string().regex(/^[^.\s]+(\.[^.\s]+)*$/, 'a field of the answer, e.g. customer.id');
const address = z.union(
  [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()],
  'an address or subnet, e.g. 10.0.0.0/8',
);

/** An address of the monolith that says who somebody is, as JSON. */
const lookUp = {
  /** Path that is asked with GET and the same credential, e.g. `/api/session`. */
  lookUp: z
    .string()
    .regex(/^\/(?!\/)[\x21-\x7e]*$/, 'a path such as /api/session')
    .describe("path of the monolith's that is asked with GET and the same credential"),
  /** Field with the customer's id, e.g. `customer.id`. Null or absent: nobody is signed in. */
  id: field.describe(
    "field of its answer with the customer's id, e.g. customer.id; null or absent: nobody is signed in",
  ),
  /** Field with the name that he is shown by. */
  name: field.describe('field with the name that he is shown by'),
};

const identitySourceSchema = z.union(
  [
    /** The monolith's session cookie; the monolith is asked whose it is. 401 and 403 mean that nobody is signed in. */
    z.strictObject({ cookie: cookieName.describe("the monolith's session cookie"), ...lookUp }),
    /** `Authorization: Bearer`; the monolith is asked whose it is. One that it refuses is left for it to answer. */
    z.strictObject({
      bearer: z
        .strictObject(lookUp)
        .describe(
          '`Authorization: Bearer`: the monolith is asked whose it is, or the proxy checks the JWT by its keys',
        ),
    }),
    /** `Authorization: Bearer` with a JWT, which the proxy checks by itself. One that fails is left for the monolith. */
    z.strictObject({
      bearer: z
        .strictObject({
          jwks: z
            .union([z.url({ protocol: /^https?$/ }), lookUp.lookUp])
            .describe("its public keys (RFC 7517): an address, or a path of the monolith's"),
          subject: z.string().min(1).default('sub').describe("the claim with the customer's id"),
          name: z
            .string()
            .min(1)
            .optional()
            .describe('the claim with the name that he is shown by; default his id'),
          issuer: z.string().min(1).optional().describe('what `iss` has to be; default: anything'),
          audience: z.string().min(1).optional().describe('what `aud` has to hold; default: anything'),
        })
        .describe(
          '`Authorization: Bearer`: the monolith is asked whose it is, or the proxy checks the JWT by its keys',
        ),
    }),
    /** A gateway in front names the customer; believed only when it comes from these addresses. */
    z.strictObject({
      header: headerName.describe("header by which a gateway in front names the customer's id"),
      name: headerName.optional().describe('header with the name that he is shown by; default his id'),
      from: z
        .array(address)
        .min(1)
        .describe('addresses or subnets that it is believed from, and from no others'),
    }),
  ],
  'one of { cookie, lookUp, id, name }, { bearer: { lookUp, id, name } }, { bearer: { jwks, subject } }, { header, from }',
);

const KEY_WANTED =
  "one of 'visitor-cookie', 'customer', { cookie }, { bearer: 'sub' }, { apiKey }, { header }";
const visitorKeySchema = z.union(
  [
    /** A cookie that the proxy gives to browsers with the first page. */
    z.literal('visitor-cookie'),
    /** A cookie of the monolith's own that stays the same for a visitor. */
    z.strictObject({
      cookie: cookieName.describe("cookie of the monolith's own that stays the same for a visitor"),
    }),
    /** The claim of a bearer token that stays when it is renewed; the token itself where it has none. */
    z.strictObject({
      bearer: z
        .string()
        .min(1)
        .describe(
          'claim of a bearer token that stays when it is renewed; the token itself where it has none',
        ),
    }),
    /** A secret in a header. Services do not get it. */
    z.strictObject({ apiKey: headerName.describe('header with a secret; services do not get it') }),
    /** A header that says which client it is, such as `x-device-id`, and is no secret. */
    z.strictObject({ header: headerName.describe('header that says which client it is, and is no secret') }),
  ],
  KEY_WANTED,
);

/** Who customers and visitors are, as the monolith has it. */
export const visitorsSchema = z.strictObject({
  /** How to learn who is signed in; the first that a request carries counts. Default: none, nobody is known. */
  identity: z
    .array(identitySourceSchema)
    .default([])
    .describe(
      'how to learn who is signed in; the first that a request carries counts; default: nobody is known',
    ),
  /** What tells visitors apart who are not signed in; the first that a request carries counts. */
  keys: z.array(visitorKeySchema).default(['visitor-cookie']),
  /**
   * Clients that carry none of these: `monolith` keeps them there, since their own writes could be missing from a copy
   * and nothing would tell. `fingerprint` tells them apart by address and headers: those that look alike move and wait
   * together, and one that changes its address in mid-write may read a copy that lacks it.
   */
  withoutKey: z
    .enum(['monolith', 'fingerprint'])
    .default('monolith')
    .describe(
      'clients that carry none of these: monolith keeps them there; fingerprint tells them apart by address and headers, so that those that look alike move together',
    ),
});

/** As it is declared: `customer` says that who is signed in is told by his id, which always comes first. */
export const declaredVisitorsSchema = visitorsSchema.extend({
  keys: z
    .array(z.union([z.literal('customer'), ...visitorKeySchema.options], KEY_WANTED))
    .default(['visitor-cookie'])
    .describe(
      `what tells visitors apart who are not signed in, the first that a request carries counts; ${KEY_WANTED}; customer alone: who is not signed in stays with the monolith`,
    ),
});

export type VisitorSettings = Readonly<z.infer<typeof visitorsSchema>>;
export type IdentitySource = Readonly<z.infer<typeof identitySourceSchema>>;
export type VisitorKey = z.infer<typeof visitorKeySchema>;
