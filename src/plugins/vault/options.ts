import { z } from "zod"
import { AppError } from "../../base/error.ts"
import { listenerOption, listenerProblem } from "../drivers/server/listener-option.ts"
import { type TlsOptions, tlsOptions } from "../drivers/server/tls-options.ts"
import { PlainReferenceOptions } from "../references/plain.ts"
import { canonical, parseAddress } from "./address.ts"

/**
 * What a config says about an entry in Vault or OpenBao. Messages are one sentence each and never
 * quote what was given. Each schema is made where a config names an entry, for most name none.
 */

/**
 * Parts between slashes; "." and ".." would be another path. It is no pattern of the schema for
 * editors, where `u` is unknown.
 */
const parts = /^(?!.*(^|\/)\.{1,2}(\/|$))[^\p{Cc}/]+(\/[^\p{Cc}/]+)*$/u
const pathLike = (what: string) =>
  z.string({ error: `give the ${what}` }).refine((text) => parts.test(text), {
    error: `the ${what} has parts between single slashes, and none at either end`,
  })

function addressKey() {
  return z
    .string({ error: "give an address: https://host:8200" })
    .superRefine((text, context) => {
      try {
        parseAddress(text)
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        context.addIssue({ code: "custom", message: error.message })
      }
    })
    .meta({
      description: "Where it listens; http:// only on this machine",
      examples: ["https://vault.internal:8200"],
    })
}

const authMount = (standard: string) =>
  pathLike("mount of the auth method")
    .default(standard)
    .meta({ description: "Where the auth method is mounted", examples: [`team/${standard}`] })

function appRole() {
  return z.strictObject({
    role_id: z
      .string()
      .regex(/^[!-~]{1,256}$/, "a role_id is one word")
      .meta({
        description: "The role's id",
        examples: ["9f3e0c1d-5f0b-4a9f-8a4e-2d1c7b6a5e4f"],
      }),
    secret_id: PlainReferenceOptions().meta({ description: "The role's secret id" }),
    mount: authMount("approle"),
  })
}

function kubernetes() {
  return z.strictObject({
    role: roleKey(),
    token_file: z
      .string()
      .min(1, "give the path of a file")
      .default("/var/run/secrets/kubernetes.io/serviceaccount/token")
      .meta({
        description: "The file with the service account's token",
        examples: ["/var/run/secrets/vault/token"],
      }),
    mount: authMount("kubernetes"),
  })
}

function roleKey() {
  return z
    .string()
    .min(1, "name the role")
    .meta({ description: "The role to log in as", examples: ["mycelium"] })
}

function authKeys() {
  return z
    .strictObject({
      token: PlainReferenceOptions().optional().meta({
        description: "A token that another program keeps fresh: a file of the agent, for one",
      }),
      approle: appRole().optional().meta({ description: "Logs in by AppRole" }),
      kubernetes: kubernetes()
        .optional()
        .meta({ description: "Logs in by a Kubernetes service account" }),
      cert: z
        .strictObject({ role: roleKey().optional(), mount: authMount("cert") })
        .optional()
        .meta({ description: "Logs in by the client certificate that tls names" }),
    })
    .refine((auth) => Object.values(auth).filter((one) => one !== undefined).length === 1, {
      error: "name one way to log in: token, approle, kubernetes or cert",
    })
}

function serverKeys() {
  return z
    .strictObject({
      address: addressKey(),
      namespace: pathLike("namespace")
        .refine((text) => /^[!-~]*$/.test(text), "a namespace is one word")
        .optional()
        .meta({ description: "The namespace, where there are any", examples: ["team-a"] }),
      auth: authKeys().meta({ description: "How Mycelium logs in: one of these" }),
      tls: tlsOptions().optional().meta({ description: "For addresses that begin with https://" }),
      listener: listenerOption()
        .optional()
        .meta({
          description:
            "The user that must listen at an address that begins with http://: a name, a uid, or any",
          examples: ["vault"],
        }),
    })
    .superRefine((server, context) => {
      for (const { path, message } of conflictsOf(server))
        context.addIssue({ code: "custom", path, message })
    })
}

type Conflict = { readonly path: string[]; readonly message: string }

/** What no single option can know: whether they fit together. */
function* conflictsOf({
  address,
  auth,
  tls,
  listener,
}: {
  readonly address: string
  readonly auth: { readonly cert?: unknown }
  readonly tls?: TlsOptions | undefined
  readonly listener?: unknown
}): Generator<Conflict> {
  const inClear = /^http:/i.test(address)
  if (inClear && listener === undefined)
    yield {
      path: ["listener"],
      message:
        "without TLS any user of this machine could take the port: say who listens there, or any",
    }
  const unguarded = listenerProblem(listener, inClear)
  if (unguarded !== undefined) yield { path: ["listener"], message: unguarded }
  if (auth.cert !== undefined && tls?.certificate === undefined)
    yield {
      path: ["auth", "cert"],
      message: "a login by certificate needs tls: { certificate: FILE, key: FILE }",
    }
  if (tls !== undefined && inClear)
    yield { path: ["tls"], message: "tls is for an address that begins with https://" }
}

/** What both, a reference and an output, say of the entry. */
export function entryKeys() {
  return {
    server: serverKeys().meta({
      description: "Where the entry is, and how Mycelium logs in there",
      examples: [
        {
          address: "https://vault.internal:8200",
          auth: { token: { file: "/run/vault/token" } },
        },
      ],
    }),
    mount: pathLike("mount")
      .default("secret")
      .meta({ description: "Where the KV engine (version 2) is mounted", examples: ["kv"] }),
    path: pathLike("path of the entry").meta({
      description: "The entry's path below the mount",
      examples: ["shop/db"],
    }),
  }
}

/** The whole of a reference. */
export function vaultReference() {
  return z.strictObject({
    vault: z
      .strictObject({
        ...entryKeys(),
        field: z
          .string({ error: "name the field that holds the credential" })
          .min(1, "name the field that holds the credential")
          .meta({
            description: "The field of the entry that holds the credential",
            examples: ["password"],
          }),
      })
      .meta({ description: "An entry in HashiCorp Vault or OpenBao (KV version 2)" }),
  })
}

export type ServerOptions = z.output<ReturnType<typeof serverKeys>>
export type EntryOptions = {
  readonly server: ServerOptions
  readonly mount: string
  readonly path: string
}
export type FieldOptions = EntryOptions & { readonly field: string }

/**
 * Names the entry alone, however its address is written:
 * "vault:https://vault.internal:8200/team-a/secret/shop/db". A colon ends the namespace, for no
 * other part says where it ends.
 */
export function entryId({ server, mount, path }: EntryOptions): string {
  const namespace = server.namespace === undefined ? "" : `${server.namespace}:`
  return `vault:${canonical(server.address)}/${namespace}${mount}/${path}`
}
