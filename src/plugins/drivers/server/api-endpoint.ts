import { z } from "zod"
import { addressProblem, type HttpsAddress, parseHttps } from "./address.ts"
import { listenerOption, listenerProblem } from "./listener-option.ts"
import { tlsOptions } from "./tls-options.ts"

/** Another address of a vendor's API than the public one: what a config says about it. */

/** `https://host`, or `http://` on this machine. An error never quotes the address. */
export function parseEndpoint(text: string): HttpsAddress {
  return parseHttps(text, {
    form: "https://host",
    nothingFollows: "nothing follows the host and its port",
    because: "values go there",
  })
}

/** `standard`: the public address: "the region's public address". */
export function endpointKeys(standard: string, example: string) {
  return {
    endpoint: z
      .string({ error: "give an address: https://host" })
      .superRefine((text, context) => {
        const message = addressProblem(parseEndpoint, text)
        if (message !== undefined) context.addIssue({ code: "custom", message })
      })
      .optional()
      .meta({
        description: `Where the API is asked, where that is not ${standard}`,
        examples: [example],
      }),
    tls: tlsOptions()
      .optional()
      .meta({ description: "For an endpoint with a certificate of its own" }),
    listener: listenerOption()
      .optional()
      .meta({
        description:
          "The user that must listen at an endpoint that begins with http://: a name, a uid, or any",
        examples: ["any"],
      }),
  }
}

type GuardProblem = { readonly key: "listener" | "tls"; readonly message: string }

/** In clear, who listens at the endpoint is named; tls is for an endpoint with TLS. */
export function guardProblems({
  endpoint,
  tls,
  listener,
}: {
  readonly endpoint?: string | undefined
  readonly tls?: unknown
  readonly listener?: unknown
}): readonly GuardProblem[] {
  const inClear = endpoint !== undefined && /^http:/i.test(endpoint)
  const found: GuardProblem[] = []
  if (inClear && listener === undefined)
    found.push({
      key: "listener",
      message:
        "without TLS any user of this machine could take the port: say who listens there, or any",
    })
  const unguarded = listenerProblem(listener, inClear)
  if (unguarded !== undefined) found.push({ key: "listener", message: unguarded })
  if (tls !== undefined && (endpoint === undefined || inClear))
    found.push({ key: "tls", message: "tls is for an endpoint that begins with https://" })
  return found
}
