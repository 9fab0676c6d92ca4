import { withVariables } from "./with-variables.ts"

/** Sets AWS's variables of this process, which AWS's own code reads, until it is disposed of. */
export function withAwsKeys(keys: { readonly keyId: string; readonly key: string }): Disposable {
  return withVariables({
    AWS_ACCESS_KEY_ID: keys.keyId,
    AWS_SECRET_ACCESS_KEY: keys.key,
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_PROFILE: undefined,
    AWS_SESSION_TOKEN: undefined,
  })
}
