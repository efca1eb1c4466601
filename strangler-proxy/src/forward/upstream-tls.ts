import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { getCACertificates } from 'node:tls';

/** How upstreams by https are trusted. */
export interface UpstreamTls {
  /** Certificates of the authorities that may vouch for an upstream, in PEM; undefined for those that Node knows. */
  readonly ca: readonly string[] | undefined;
  /** The name by which an upstream's certificate is asked for (SNI) and checked; empty where it goes by the address. */
  readonly serverNameOf: (hostname: string) => string;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** The file of certificates cannot be used. */
export class CaFileError extends Error {
  readonly code = 'ca-file-invalid';
  override readonly name = 'CaFileError';
}

function readAuthorities(file: string): string[] {
  let certificates: string[];
  try {
    certificates = readFileSync(file, 'utf8').match(CERTIFICATE) ?? [];
    for (const certificate of certificates) new X509Certificate(certificate);
  } catch (cause) {
    throw new CaFileError(
      `UPSTREAM_CA_FILE: ${file} cannot be used: ${(cause as Error).message}. It has to hold certificates in PEM.`,
      { cause },
    );
  }
  if (certificates.length === 0) {
    throw new CaFileError(`UPSTREAM_CA_FILE: ${file} holds no certificate; it has to hold some in PEM.`);
  }
  return [...getCACertificates('default'), ...certificates];
}

/**
 * @param options.caFile Authorities of one's own, in PEM, trusted besides those that Node knows. Default none.
 * @param options.names Names of certificates by the hostname in the upstream's URL, where they differ. An upstream's
 *   certificate never goes by what a client wrote into `Host`.
 * @throws CaFileError
 */
export function readUpstreamTls(options: {
  readonly caFile?: string | undefined;
  readonly names?: ReadonlyMap<string, string> | undefined;
}): UpstreamTls {
  const { caFile, names } = options;
  return {
    ca: caFile === undefined ? undefined : readAuthorities(caFile),
    serverNameOf: (hostname) => names?.get(hostname) ?? (isIP(hostname) === 0 ? hostname : ''),
  };
}
