/** Codes of what only HashiCorp Vault and OpenBao have. */
export const vault = {
  "vault-login-refused":
    "Vault (or OpenBao) refuses the login that Mycelium makes there by AppRole, by a Kubernetes service " +
    "account or by a certificate. The hint says how to look at the role. A secret_id that was used up, " +
    "or has expired, is the usual reason: put a new one where the config says.",
  "vault-sealed":
    "Vault (or OpenBao) is sealed, as it is after each start: it answers nothing until it is unsealed. " +
    "Nothing is lost: mycelium run tries again; without it, repeat the command once it is unsealed.",
  "vault-standby":
    "The address names a node of Vault that is not the active one, and sends requests on to another " +
    "host. Mycelium takes its token to no host that the config does not name. Name the address of " +
    "the cluster, or of the active node; or allow the standby to forward requests.",
  "vault-throttled":
    "Vault (or OpenBao) takes no more requests for the moment: a rate limit is reached (sys/quotas). " +
    "Mycelium has waited as long as the answer asked, up to 10 seconds, three times. " +
    "Raise the limit for Mycelium's token, or let it rotate less at a time.",
  "vault-mount-missing":
    "There is no KV engine of version 2 where the config says. mount names where the engine is mounted " +
    "(vault secrets list), path the entry below it, without data/ between the two. " +
    "Version 1 keeps no versions and compares nothing, so Mycelium does not write there.",
  "vault-namespace-missing":
    "The namespace that the config names does not exist at this server. Correct server.namespace, or " +
    "leave it out: then the root namespace is meant.",
  "vault-entry-expires":
    "Vault would delete each version of this entry some time after it was written, the live one as well: " +
    "programs would then read nothing. It is set at the entry or at its engine (delete_version_after). " +
    "Mycelium writes to no such entry. Set it to 0s, or show the value in another entry.",
  "vault-one-version":
    "Vault keeps one version of this entry alone (max_versions: 1), " +
    "so each write erases the former content " +
    "there at once. Mycelium keeps what it wrote itself, but no other program could look back. " +
    "Let the entry keep more: ten is Vault's own default.",
  "vault-entry-too-large":
    "The entry would be larger than Vault takes. Its fields count together, those of others as well: " +
    "show less in this entry, or split it.",
} as const
