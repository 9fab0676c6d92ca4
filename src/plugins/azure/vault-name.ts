/** Vaults as Azure names them: "shop-prod", https://shop-prod.vault.azure.net. */

/** A part of Azure with names, logins and tokens of its own. */
export type Cloud = {
  /** What follows a vault's name. */
  readonly suffix: string
  /** Whom a token for its vaults is for. */
  readonly audience: string
  /** Where logins are made. */
  readonly login: string
}

const standard: Cloud = {
  suffix: "vault.azure.net",
  audience: "https://vault.azure.net",
  login: "https://login.microsoftonline.com",
}
const clouds: readonly Cloud[] = [
  standard,
  {
    suffix: "vault.azure.cn",
    audience: "https://vault.azure.cn",
    login: "https://login.chinacloudapi.cn",
  },
  {
    suffix: "vault.usgovcloudapi.net",
    audience: "https://vault.usgovcloudapi.net",
    login: "https://login.microsoftonline.us",
  },
]

/** A vault's name is unique in its cloud. */
export type VaultName = { readonly name: string; readonly cloud: Cloud }

const nameForm = /^(?=.{3,24}$)[a-z](-?[a-z0-9])*$/

/** undefined: neither the name of a vault nor its address. */
export function parseVault(text: string): VaultName | undefined {
  const said = text.toLowerCase()
  if (nameForm.test(said)) return { name: said, cloud: standard }
  const [, name = "", suffix = ""] = /^https:\/\/([a-z0-9-]+)\.([a-z.]+)\/?$/.exec(said) ?? []
  const cloud = clouds.find((one) => one.suffix === suffix)
  return cloud !== undefined && nameForm.test(name) ? { name, cloud } : undefined
}

export function hostOf({ name, cloud }: VaultName): string {
  return `${name}.${cloud.suffix}`
}
