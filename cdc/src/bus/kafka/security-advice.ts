/** What a failure of TLS or SASL looks like, by the error's code, name or words, and which setting it is about. */
const advices: readonly (readonly [looksLike: RegExp, advice: string])[] = [
  [
    /SASL \S+ mechanism is not supported|UNSUPPORTED_SASL_MECHANISM/i,
    'KAFKA_SASL_MECHANISM: the broker does not offer this one there',
  ],
  [/ILLEGAL_SASL_STATE/, 'KAFKA_SASL_MECHANISM: the listener of KAFKA_BROKERS takes no SASL'],
  [
    /KafkaJSSASLAuthenticationError/,
    'KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD is wrong, or the user is not one of KAFKA_SASL_MECHANISM',
  ],
  [
    /ERR_TLS_CERT_ALTNAME_INVALID/,
    "KAFKA_BROKERS, or what the broker advertises: the broker's certificate is not for this name",
  ],
  [
    /SELF_SIGNED_CERT|UNABLE_TO_(VERIFY|GET_ISSUER)|CERT_UNTRUSTED|CERT_SIGNATURE_FAILURE/,
    "KAFKA_SSL_CA_FILE: the broker's certificate is not signed by an authority of this file (without it, of Node)",
  ],
  [/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/, "KAFKA_SSL: the broker's certificate is not valid now"],
  [
    /before secure TLS connection|ERR_SSL_|EPROTO/,
    'KAFKA_SSL: the listener of KAFKA_BROKERS does not seem to speak TLS',
  ],
  [
    /KafkaJSConnectionClosedError/,
    'where that goes on, the listener may want what is not set: TLS (KAFKA_SSL), or SASL (KAFKA_SASL_MECHANISM)',
  ],
];

/** In words, which setting to look at when brokers and we do not get through to each other; null when that is not known. */
export function securityAdvice(error: unknown): string | null {
  const words: string[] = [];
  for (let each = error; each instanceof Error; each = each.cause) {
    const { code, type } = each as Error & { readonly code?: unknown; readonly type?: unknown };
    words.push([each.name, code, type, each.message].join(' '));
  }
  const said = words.join('\n');
  return advices.find(([looksLike]) => looksLike.test(said))?.[1] ?? null;
}
