import { orAborted } from "../../base/deadline.ts"
import { AppError } from "../../base/error.ts"
import { Secret } from "../../core/secret.ts"

/** An identity at AWS, for a while. */
export type Credentials = {
  /** "AKIA…": public, in each request. */
  readonly keyId: string
  readonly key: Secret
  readonly session?: Secret
}

/**
 * Finds credentials as AWS's own tools do: environment, profiles (roles, SSO, processes), web
 * identity, container, instance. It is their code: its answer is the ecosystem's.
 */
export async function findCredentials(
  profile: string | undefined,
  signal: AbortSignal,
): Promise<Credentials> {
  const { defaultProvider } = await import("@aws-sdk/credential-provider-node")
  const find = defaultProvider({
    ...(profile === undefined ? {} : { profile }),
    // What it would print is for a terminal that we have not.
    logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  })
  try {
    // The chain takes no signal.
    const found = await orAborted(find(), signal)
    return {
      keyId: found.accessKeyId,
      key: new Secret("AWS's secret access key", found.secretAccessKey),
      ...(found.sessionToken === undefined
        ? {}
        : { session: new Secret("AWS's session token", found.sessionToken) }),
    }
  } catch (error) {
    signal.throwIfAborted()
    throw notFound(profile, error)
  }
}

function quiet(): void {}

/** Its own text may quote files and what programs printed. */
function notFound(profile: string | undefined, error: unknown): AppError {
  const own = error instanceof Error ? error.name : ""
  const tool = `aws sts get-caller-identity${profile === undefined ? "" : ` --profile ${profile}`}`
  if (
    /^(AccessDenied|ExpiredToken|InvalidClientTokenId|SignatureDoesNotMatch|InvalidIdentityToken|IDPRejectedClaim)/.test(
      own,
    )
  )
    return new AppError(
      "aws-login-refused",
      `AWS refuses the credentials that it was asked to exchange (${own})`,
      {
        remedy: "retry",
        hint:
          `${tool} must work for the user that mycelium runs as: see the role's trust policy ` +
          "and the profile",
      },
    )
  const where = profile === undefined ? "" : ` in the profile ${profile}`
  return new AppError(
    "aws-credentials-missing",
    `no usable credentials for AWS were found${where}`,
    {
      remedy: "retry",
      hint:
        `${tool} must work for the user that mycelium runs as, with the same environment; ` +
        "aws sso login renews a login by SSO",
    },
  )
}
