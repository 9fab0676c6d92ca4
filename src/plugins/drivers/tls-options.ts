import { z } from "zod"

/** What a config says about TLS to a server. Messages are one sentence each and never quote what was given. */

const path = { error: "give the path of a file" }

const keys = {
  /** The authority's certificate (PEM); the system's authorities if left out. */
  ca: z.string(path).min(1, path).optional(),
  /** The name in the server's certificate; the address's host if left out. */
  name: z.string({ error: "give the name in the server's certificate" }).min(1).optional(),
}

export const TlsOptions = z.strictObject(keys)

/** Where the server may ask for a certificate of ours: MariaDB for an account with REQUIRE X509, Redis unless `tls-auth-clients no`. */
export const MutualTlsOptions = z
  .strictObject({
    ...keys,
    certificate: z.string(path).min(1, path).optional(),
    key: z.string(path).min(1, path).optional(),
  })
  .refine(({ certificate, key }) => (certificate === undefined) === (key === undefined), {
    error: "certificate and key go together",
  })
