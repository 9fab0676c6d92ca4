import type * as GoogleLibrary from "./library.ts"
import type { AuthClient, GoogleAuth } from "google-auth-library"
import { orAborted } from "../../base/deadline.ts"
import { AppError } from "../../base/error.ts"
import { Secret } from "../../core/secret.ts"
import { loginFault } from "./login-fault.ts"

/** A login at Google, which renews itself. */
export type Login = {
  /** As whom, as far as the credentials say it without a question. */
  readonly who: string
  /** What a request bears: the token, and the project that pays for it. */
  headers(signal: AbortSignal): Promise<Readonly<Record<string, Secret | string>>>
  /** As whom; may ask Google. */
  identity(signal: AbortSignal): Promise<string>
}

const scope = "https://www.googleapis.com/auth/cloud-platform"

/**
 * How its requests go: no redirect is followed, and `fetch` sends them, which knows HTTPS_PROXY
 * itself. The library's own sender and its proxy agent are modules that the bundle does not hold
 * together (library.ts says why).
 */
const carrier = {
  redirect: "error",
  noProxy: [/^/],
  fetchImplementation: (url: string | URL | Request, init?: RequestInit) => fetch(url, init),
}

/**
 * Logs in as Google's own tools do (application default credentials): a file that
 * GOOGLE_APPLICATION_CREDENTIALS names (service account, user, federation, impersonation), gcloud's
 * own file, the metadata server. It is their code: its answer is the ecosystem's.
 */
export async function logIn(project: string, signal: AbortSignal): Promise<Login> {
  const library = await import("./library.ts")
  // The project is said, so that it is looked for nowhere: not by gcloud either.
  // The metadata server is asked through this one.
  Object.assign(library.gaxios.instance.defaults, carrier)
  const auth = new library.GoogleAuth({ scopes: scope, projectId: project })
  const client = await asked(auth.getClient(), signal)
  equip(client as Sender)
  const who = whoIs(client, library)
  return {
    who,
    headers: async (own) => headersIn(await asked(client.getRequestHeaders(), own)),
    identity: async (own) => (await asked(identityOf(auth, client, library), own)) ?? who,
  }
}

type Sender = {
  readonly transporter?: { readonly defaults: object }
  /** Whose login another one is made with. */
  readonly sourceClient?: Sender
  /** Where a federated token is exchanged. */
  readonly stsCredential?: Sender
}

function equip(sender: Sender | undefined): void {
  if (sender === undefined) return
  if (sender.transporter !== undefined) Object.assign(sender.transporter.defaults, carrier)
  equip(sender.sourceClient)
  equip(sender.stsCredential)
}

type Library = typeof GoogleLibrary

function whoIs(client: AuthClient, library: Library): string {
  if (client instanceof library.JWT && client.email !== undefined)
    return `service account ${client.email}`
  if (client instanceof library.Impersonated)
    return `service account ${client.getTargetPrincipal()} (impersonated)`
  if (client instanceof library.BaseExternalAccountClient) {
    const email = client.getServiceAccountEmail()
    return email === null ? "a federated login" : `service account ${email} (federated)`
  }
  if (client instanceof library.Compute) return "the machine's service account"
  return "a user's login"
}

/** What the credentials themselves do not say. */
async function identityOf(
  auth: GoogleAuth,
  client: AuthClient,
  library: Library,
): Promise<string | undefined> {
  if (client instanceof library.Compute) {
    const { client_email: email } = await auth.getCredentials()
    return email === undefined ? undefined : `service account ${email} (of this machine)`
  }
  if (!(client instanceof library.UserRefreshClient)) return undefined
  const { token } = await client.getAccessToken()
  const { email } = await client.getTokenInfo(token ?? "")
  return email
}

async function asked<Value>(act: Promise<Value>, signal: AbortSignal): Promise<Value> {
  try {
    return await orAborted(act, signal)
  } catch (error) {
    signal.throwIfAborted()
    throw loginFault(error)
  }
}

function headersIn(headers: Headers): Readonly<Record<string, Secret | string>> {
  const authorization = headers.get("authorization") ?? ""
  const payer = headers.get("x-goog-user-project")
  if (!/^Bearer [!-~]{1,65536}$/.test(authorization))
    throw new AppError("answer-malformed", "the login at Google gave no token", {
      hint: "see the file that GOOGLE_APPLICATION_CREDENTIALS names, and where it says that tokens come from",
    })
  return {
    authorization: new Secret("Google's token", authorization),
    ...(payer === null ? {} : { "x-goog-user-project": payer }),
  }
}
