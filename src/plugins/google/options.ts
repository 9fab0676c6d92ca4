import { z } from "zod"
import { endpointKeys, guardProblems } from "../drivers/server/api-endpoint.ts"

/** What a config says about a secret in Google Secret Manager. Messages never quote what was given. */

export function projectKey() {
  return z
    .union([z.string(), z.number().int().positive().transform(String)], {
      error: "name the project: shop-prod",
    })
    .refine((text) => /^(([a-z0-9.-]{1,63}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]|\d{1,20})$/.test(text), {
      error: "a project is named by its id, shop-prod, or its number",
    })
    .meta({ title: "id or number", description: "The secret's project", examples: ["shop-prod"] })
}

export function googleSecretKey() {
  return z
    .string({ error: "name the secret" })
    .regex(/^[\w-]{1,255}$/, "a secret's id has letters, digits, hyphens and underscores")
    .meta({ description: "The secret's id in the project", examples: ["rotator"] })
}

export function locationKey() {
  return z
    .string({ error: "name the region: europe-west3" })
    .regex(/^[a-z]+-[a-z]+\d{1,2}$/, "a region reads europe-west3")
    .optional()
    .meta({
      description: "The region of a regional secret; left out for one that Google replicates",
      examples: ["europe-west3"],
    })
}

function versionKey() {
  return z
    .union(
      [
        z
          .string()
          .regex(
            /^([1-9]\d{0,18}|[A-Za-z][\w-]{0,62})$/,
            "a version is a number, latest or an alias",
          ),
        z.number().int().positive().transform(String),
      ],
      { error: "a version is a number, latest or an alias" },
    )
    .default("latest")
    .meta({ title: "number or alias", description: "Which version is read", examples: [7] })
}

export function googleKeys() {
  return z
    .strictObject(endpointKeys("the public address", "https://secretmanager-shop.p.googleapis.com"))
    .superRefine((google, context) => {
      for (const { key, message } of guardProblems(google))
        context.addIssue({ code: "custom", path: [key], message })
    })
}

export type GoogleOptions = z.output<ReturnType<typeof googleKeys>>

export function googleKey() {
  return googleKeys()
    .default({})
    .meta({
      description: "By which address, if not the public one",
      examples: [{ endpoint: "https://secretmanager-shop.p.googleapis.com" }],
    })
}

/** A secret, wherever the config names it. */
export type GooglePlace = {
  readonly project: string
  readonly secret: string
  readonly location?: string | undefined
  readonly google: GoogleOptions
}

/** Canonical, as far as names go: an id and a number may mean the same project. */
export function googleId({ project, location, secret }: Omit<GooglePlace, "google">): string {
  return ["google", project, ...(location === undefined ? [] : [location]), secret].join(":")
}

/** As the interface names it: projects/shop-prod/secrets/rotator. */
export function resourceOf({ project, location, secret }: GooglePlace): string {
  const region = location === undefined ? "" : `/locations/${location}`
  return `projects/${project}${region}/secrets/${secret}`
}

/** The whole of a reference. */
export function googleReference() {
  return z.strictObject({
    google_secret: z
      .strictObject({
        project: projectKey(),
        secret: googleSecretKey(),
        version: versionKey(),
        location: locationKey(),
        field: z
          .string()
          .min(1, "name the field that holds the credential")
          .optional()
          .meta({
            description: "The field of the secret's JSON object; left out, all of its text",
            examples: ["password"],
          }),
        google: googleKey(),
      })
      .meta({ description: "A secret in Google Secret Manager" }),
  })
}
