/** Codes of what only Azure has. */
export const azure = {
  "azure-credentials-missing":
    "Mycelium found no login for Azure. It looks where Azure's own libraries look: " +
    "variables of the environment, a federated " +
    "token, a managed identity, the Azure CLI. az account get-access-token must work for the user that " +
    "Mycelium runs as, with the same environment: a systemd unit has neither your variables " +
    "nor your home folder.",
  "azure-login-refused":
    "Microsoft Entra ID, or the vault, does not accept the login: a secret or certificate is " +
    "wrong or has expired, the application is " +
    "unknown in the tenant, or a federated credential does not fit. The number in brackets is " +
    "Microsoft's own; the sign-in " +
    "log of Entra ID has the same.",
  "azure-login-unanswered":
    "The place where logins are made had no answer that can be used. " +
    "That is login.microsoftonline.com, or its sibling of " +
    "another cloud, or the machine's own endpoint of a managed identity. " +
    "Nothing is lost: mycelium run tries again.",
  "azure-clock-skewed":
    "A login bears the time, and Azure takes it for some minutes. The clock of this machine " +
    "is further off than that, or a " +
    "federated token is older than it may be. Set the clock; Mycelium goes on by itself then.",
  "azure-tenant-differs":
    "A vault takes logins of one tenant, and this login is of another. " +
    "Mycelium follows no vault's word about where to log in. " +
    "If the vault is yours, name its tenant in azure.tenant.",
  "azure-challenge-foreign":
    "A vault that refuses a login says what it wants instead. This one names a place or a " +
    "purpose that no vault of " +
    "this cloud names, so something else may answer in its place. No login was made for it.",
  "azure-secret-deleted":
    "The secret was deleted and can still be recovered, or that is under way. " +
    "Nobody can read it until then, and its name stays taken. " +
    "az keyvault secret recover brings it back, with all its versions.",
  "azure-secret-differs":
    "The answer is about another secret than the one that was asked for, " +
    "so nothing of it was used. A proxy or a wrong " +
    "azure.endpoint can do that.",
  "azure-secret-disabled":
    "The secret's newest version is disabled, and Azure gives out no disabled value. " +
    "Older versions are not used in its place: " +
    "their values may be dead. Enable the version, or write a new one.",
  "azure-secret-expired":
    "The date that the secret's writer gave it has passed. Azure gives out the value none the " +
    "less, and Mycelium uses it: " +
    "whether it still works is for the service to say.",
  "azure-vault-firewall":
    "The vault takes requests from chosen networks only, and this machine is in none of them. " +
    "The networking page of the vault " +
    "shows which; a private endpoint is another way.",
  "azure-throttled":
    "Azure takes no more requests for this vault for the moment. " +
    "Mycelium has waited and asked again, four times. " +
    "Nothing is lost: mycelium run tries again. Other programs that ask the same vault count, too.",
  "azure-request-refused":
    "Azure has understood a request and refuses it, for a reason that has no code of its own " +
    "here; the name of Azure's error " +
    "is said. Nothing was changed. The vault's AuditEvent log shows the request.",
} as const
