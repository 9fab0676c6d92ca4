/** Codes of what only AWS has. */
export const aws = {
  "aws-credentials-missing":
    "Mycelium found no credentials for AWS. It looks where AWS's own tools look: " +
    "variables of the environment, " +
    "profiles in ~/.aws (with roles, SSO and processes), a web identity, the container, the instance. " +
    "aws sts get-caller-identity must work for the user that Mycelium runs as, with the same environment: " +
    "a systemd unit has neither your variables nor your home folder.",
  "aws-login-refused":
    "AWS does not accept the credentials that were found: the key is unknown, " +
    "deleted or inactive, the secret key does " +
    "not fit it, or a temporary login has expired. aws sts get-caller-identity says the same for the same " +
    "user and profile; a login by SSO is renewed by aws sso login.",
  "aws-clock-skewed":
    "Each request to AWS is signed with the time, and AWS takes it for five minutes. " +
    "The clock of this machine is further " +
    "off than that. Set the clock; Mycelium goes on by itself then.",
  "aws-account-differs":
    "The credentials, or what answered, are of another account or have another name than the " +
    "config says. Nothing " +
    "was written. Correct aws.account, aws.region or aws.profile; " +
    "a secret whose name ends with a hyphen and six " +
    "characters is named by its whole ARN.",
  "aws-not-found":
    "AWS has no such secret or parameter, or no such version of it, " +
    "in this account and region. A version that no label " +
    "names can be removed by AWS a day later; Mycelium writes it again at the next try.",
  "aws-key-denied":
    "The secret or parameter is encrypted with a KMS key that Mycelium's identity may not " +
    "use, or that is disabled. Its key policy " +
    "must allow kms:Decrypt and kms:GenerateDataKey, for a parameter kms:Encrypt as well; " +
    "with the keys aws/secretsmanager and " +
    "aws/ssm nothing needs to be allowed.",
  "aws-secret-deleted":
    "The secret is scheduled for deletion: nobody can read or write it, " +
    "and its name stays taken until then. " +
    "aws secretsmanager restore-secret brings it back.",
  "aws-secret-owned":
    "A service of AWS (RDS, for one) or a partner owns this secret and writes it. Two writers would undo " +
    "each other, so Mycelium does not write there. Show the value in a secret of your own.",
  "aws-rotation-enabled":
    "AWS rotates this secret itself (RotationEnabled). Two rotators would undo each other, " +
    "so Mycelium does not " +
    "write there. aws secretsmanager cancel-rotate-secret ends AWS's rotation.",
  "aws-secret-replica":
    "This secret is a replica, which nobody can write. Name the region of the primary: AWS brings each " +
    "version to the replicas, and Mycelium waits for that before it takes the old value away.",
  "aws-replica-behind":
    "A replica of the secret in another region does not hold the current version, " +
    "so programs may still read the former value " +
    "there. The old value stays valid until all replicas are in sync. " +
    "A replica that has failed says why in " +
    "aws secretsmanager describe-secret.",
  "aws-terraform":
    "The current version of the secret was made by others, perhaps by Terraform, " +
    "which follows the version that it made by its id, and " +
    "makes one anew, with the first password, once that is gone. So Mycelium's first write " +
    "leaves the label mycelium-found on " +
    "that version, and AWS keeps it. Terraform must ignore the content: " +
    "lifecycle { ignore_changes = [secret_string, " +
    "version_stages] }. This is said until Mycelium has written there; without Terraform it means nothing.",
  "aws-secret-too-large":
    "A version of a secret holds 64 KiB at most. All fields count together, those of others as well: " +
    "show less in this secret, or split it.",
  "aws-parameter-not-secure":
    "The parameter is a String or a StringList, which Parameter Store keeps in clear: " +
    "Mycelium writes values into a SecureString " +
    "alone. AWS cannot change the type of a parameter, so make another one with --type " +
    "SecureString and name that.",
  "aws-parameter-expires":
    "The parameter has the policy Expiration: AWS deletes it at that time, " +
    "and the programs that read it would have no value. Take " +
    "the policies away (aws ssm put-parameter --overwrite --policies '[{}]'), or name another parameter.",
  "aws-parameter-too-large":
    "A parameter of the tier Standard holds 4 KiB, one of the tier Advanced 8 KiB. " +
    "All fields count together, those of others as " +
    "well. Mycelium changes no tier, which would cost money. Nothing was written.",
  "aws-limit-reached":
    "AWS keeps a limited number of versions and labels for each secret or parameter, " +
    "and the limit is reached. Of a secret, " +
    "aws secretsmanager list-secret-version-ids --include-deprecated shows them; " +
    "versions without a label go by themselves. Of a " +
    "parameter AWS keeps 100 versions, and makes no more while the oldest has a label: " +
    "aws ssm unlabel-parameter-version.",
  "aws-throttled":
    "AWS takes no more requests of this account for the moment. Mycelium has waited and asked " +
    "again, four times. " +
    "Nothing is lost: mycelium run tries again. Service Quotas shows the rate; " +
    "other programs of the account count, too.",
  "aws-request-refused":
    "AWS has understood a request and refuses it, for a reason that has no code of its own " +
    "here; the name of AWS's error " +
    "is said. Nothing was changed. CloudTrail shows the event with AWS's own words.",
} as const
