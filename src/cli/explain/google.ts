/** Codes of what only Google has. */
export const google = {
  "google-credentials-missing":
    "Mycelium found no login for Google. It looks where Google's own libraries look: the file that " +
    "GOOGLE_APPLICATION_CREDENTIALS names, gcloud's application default credentials, " +
    "the machine's metadata server. " +
    "A systemd unit has neither your variables nor your home folder.",
  "google-login-refused":
    "Google does not accept the login: a key was deleted, an account is disabled, " +
    "a user's login has ended, or a federated token " +
    "does not fit its pool. gcloud auth application-default print-access-token says the same " +
    "for the same user and file.",
  "google-login-unanswered":
    "The place where tokens are given out had no answer that can be used. " +
    "That is oauth2.googleapis.com, sts.googleapis.com, " +
    "the metadata server, or what the credentials name instead. Nothing is lost: mycelium run tries again.",
  "google-clock-skewed":
    "A login bears the time, and Google takes it for some minutes. The clock of this machine " +
    "is further off than that. " +
    "Set the clock; Mycelium goes on by itself then.",
  "google-impersonation-denied":
    "The credentials that were found may not act as the service account that they name. " +
    "roles/iam.serviceAccountTokenCreator at that account allows it; " +
    "a federated login needs roles/iam.workloadIdentityUser.",
  "google-api-disabled":
    "Secret Manager has to be enabled once in each project that uses it, " +
    "and in the quota project, if that is another one. " +
    "gcloud services enable secretmanager.googleapis.com does it.",
  "google-quota-project-denied":
    "A request can be counted to another project, " +
    "which the credentials or GOOGLE_CLOUD_QUOTA_PROJECT name. The login has no right " +
    "to use that project: roles/serviceusage.serviceUsageConsumer gives it.",
  "google-scope-missing":
    "A virtual machine's token reaches only what its access scopes name, " +
    "whatever roles its account has. Secret Manager needs " +
    "the scope cloud-platform.",
  "google-perimeter":
    "The project lies in a perimeter of VPC Service Controls, and requests from here are not " +
    "let in. The audit log of the " +
    "perimeter shows the request.",
  "google-version-disabled":
    "The version is disabled, and Google gives out no disabled value. " +
    "latest is the newest version, disabled or not: an older one is " +
    "not used in its place, for its value may be dead. Enable it, or write a new version.",
  "google-version-destroyed":
    "The version is destroyed and its value is gone for good. Write a new version with the " +
    "credential that the service takes.",
  "google-secret-differs":
    "The answer is about another secret than the one that was asked for, " +
    "so nothing of it was used. A proxy or a wrong " +
    "google.endpoint can do that.",
  "google-checksum-differs":
    "Google sends each value with a checksum (CRC-32C), and the value that came does not have " +
    "it, or none came. It was not used. " +
    "Mycelium tries again.",
  "google-throttled":
    "Google takes no more requests of this project for the moment. " +
    "Mycelium has waited and asked again, four times. " +
    "Nothing is lost: mycelium run tries again. Other programs of the project count, too.",
  "google-request-refused":
    "Google has understood a request and refuses it, for a reason that has no code of its own " +
    "here; the name of Google's status " +
    "is said. Nothing was changed.",
} as const
