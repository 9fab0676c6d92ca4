/** Sets AWS's variables of this process, which AWS's own code reads, until it is disposed of. */
export function withAwsKeys(keys: { readonly keyId: string; readonly key: string }): Disposable {
  const names = {
    AWS_ACCESS_KEY_ID: keys.keyId,
    AWS_SECRET_ACCESS_KEY: keys.key,
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_PROFILE: undefined,
    AWS_SESSION_TOKEN: undefined,
  }
  const before = Object.fromEntries(Object.keys(names).map((name) => [name, process.env[name]]))
  set(names)
  return { [Symbol.dispose]: () => set(before) }
}

function set(all: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(all))
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
}
