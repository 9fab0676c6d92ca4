import { z } from "zod"
import { defineReference } from "../../core/define.ts"
import { once } from "../../core/once.ts"
import { googleId, googleReference } from "../google/options.ts"

const Options = once(() => z.lazy(googleReference))

/** A secret in Google Secret Manager; its schema and its client load where a config names one. */
export const googleSecret = defineReference({
  type: "google_secret",
  summary: "a secret in Google Secret Manager, or one field of it",
  options: Options,
  place: ({ google_secret: { version, field, ...place } }) => {
    const secret = version === "latest" ? googleId(place) : `${googleId(place)}, version ${version}`
    return field === undefined ? `the secret ${secret}` : `the field ${field} of ${secret}`
  },
  read: async ({ google_secret: { version, field, ...place } }, reach) => {
    const { readSecret } = await import("../google/read-field.ts")
    return readSecret(place, { version, field }, reach)
  },
  inspect: async ({ google_secret: { version, field, ...place } }, reach, signal) => {
    const { inspectSecret } = await import("../google/read-field.ts")
    return inspectSecret(place, { version, field }, reach, signal)
  },
})
