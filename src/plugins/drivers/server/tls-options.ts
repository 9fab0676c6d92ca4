import { z } from "zod"
import { once } from "../../../core/once.ts"

/**
 * What a config says about TLS to a server. Messages are one sentence each and never quote what was
 * given.
 */

const path = { error: "give the path of a file" }

function authorityKeys() {
  return {
    ca: z
      .string(path)
      .min(1, path)
      .optional()
      .meta({
        description: "A file with the authority's certificate (PEM); else the system's authorities",
        examples: ["/etc/ssl/db-ca.pem"],
      }),
    name: z
      .string({ error: "give the name in the server's certificate" })
      .min(1)
      .optional()
      .meta({
        description: "The name in the server's certificate; else the address's host",
        examples: ["db.internal"],
      }),
  }
}

export const insecureOption = once(() =>
  z
    .boolean({ error: "say true or false" })
    .optional()
    .meta({
      description: "Allows a server off this machine without verified TLS",
      default: false,
      examples: [true],
    }),
)

/** The server may ask for a client certificate, too. Made where it is asked for: that takes time. */
export const tlsOptions = () =>
  z
    .strictObject({
      ...authorityKeys(),
      certificate: z
        .string(path)
        .min(1, path)
        .optional()
        .meta({
          description: "A file with a client certificate (PEM), if the server asks for one",
          examples: ["/etc/ssl/rotator.pem"],
        }),
      key: z
        .string(path)
        .min(1, path)
        .optional()
        .meta({
          description: "A file with the client certificate's key (PEM)",
          examples: ["/etc/ssl/rotator.key"],
        }),
    })
    .refine(({ certificate, key }) => (certificate === undefined) === (key === undefined), {
      error: "certificate and key go together",
    })
export type TlsOptions = z.output<ReturnType<typeof tlsOptions>>
