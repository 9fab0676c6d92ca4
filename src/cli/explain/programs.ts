/** The programs that read values: how they are restarted and proven healthy. */
export const programs = {
  "deployment-unhealthy":
    "A deployment was not healthy before the rotation, or did not become healthy with the new " +
    "value. If it was before, its secrets wait, because its health could prove nothing. " +
    "If it was after, the rotation goes back. Read the deployment's own log first. " +
    "If it is found unhealthy only at the end of the grace, the former value stays accepted: " +
    "the revoke is owed, and follows once the deployment is healthy. A restart command that " +
    "returns before the old program is gone causes that, for the old one may answer the health " +
    "check. A deployment that is gone for good must leave the config.",
  unhealthy:
    "A deployment restarted, but its health check did not succeed in time. Read its log. " +
    "Often the program is only slow (raise within), or reads another file than the output.",
  "back-unhealthy":
    "A rotation went back: the service and the files hold the old value. " +
    "But a program could not be restarted with it, or did not become healthy: " +
    "it may be down, or still use the value that was given up. " +
    "Read its log, correct the cause, and restart it so that it reads its files again. " +
    "The note stays until a rotation of the secret (mycelium rotate-now) has proven the " +
    "program healthy.",
  "promoted-unhealthy":
    "A new value is current, and no rollback was possible: a containment does not put the old " +
    "value back, and neither does a first value, or one that reconcile has found to work. " +
    "But a program did not become healthy with it, and may be down. " +
    "Read its log, correct the cause, and restart it so that it reads its files again. " +
    "After a containment, the same command with --incident and its name then checks its " +
    "health (without a health check, it restarts the program) and ends with 0. " +
    "Otherwise mycelium rotate-now on the secret proves it, and so does every later restart by " +
    "mycelium that ends healthy. " +
    "Until then the note stays; it blocks no rotation once the program is healthy.",
  "restart-failed":
    "The program that restarts a deployment failed, or what it started did not stay up (its " +
    "container or service ended, was started again, or is unhealthy by its own check). " +
    "The output of that program is not kept, because it may hold values. " +
    "Run it by hand, as mycelium's user, in the config's folder.",
  "restart-timeout":
    "The program that restarts a deployment did not end in time and was ended. " +
    "It is unknown whether the deployment restarted. Raise timeout at the deployment if it is " +
    "only slow.",
  "hook-still-running":
    "An earlier run of a restart program still runs and cannot be ended; " +
    "two at once would be worse than none. Find that process (it has MYCELIUM_RUN in its " +
    "environment) and end it by hand.",
  "unit-missing":
    "There is no unit of the name in the config, or it is masked, so a restart would fail. " +
    "Correct the name (systemctl list-units --type=service --all lists all units), " +
    "or unmask the unit.",
  "systemd-failed":
    "Mycelium could not ask systemd about the unit, so a restart would fail. " +
    "The message says why. In a container there is no systemd; a service of a user (user: " +
    "true) needs that user's manager to run.",
  "compose-project":
    "It is not clear which containers a deployment means: none was started from the config's " +
    "folder (or file), or several projects were. A guess could start a second project, " +
    "or replace a container of another. Name the project in the config: compose: { service: " +
    "api, project: live }; docker compose ls shows those that run.",
  "compose-service":
    "The compose file has no service of that name. Correct the name in the config; " +
    "docker compose config --services lists the services.",
  "compose-missing":
    "The service is in the compose file but has no container, so there is nothing to " +
    "recreate. Start it once with docker compose up -d, or remove the deployment from the " +
    "config.",
  "compose-changed":
    "A restart would deploy more than new secrets: the compose file, its variables or its env " +
    "files are not those that the container was started with (edited, or filled by variables " +
    "of a shell that a rotation does not have: put these into .env), or its image was built " +
    "or pulled anew. A rotation does not deploy. Bring the service up to date yourself " +
    "(docker compose up -d) and rotate again; or set allow_changes: " +
    "true at the deployment's compose, and a rotation deploys the changes too. If another user can " +
    "change the file that Compose takes variables from, such a restart is not made in a " +
    "containment either, " +
    "nor if what the service may reach (image, mounts, rights) has changed since the rotation began.",
  "compose-failed":
    "Docker or Compose gave no answer, or could not do what was asked. " +
    "The message says why, if that is known. Their output is not repeated, because it may " +
    "hold a line of a .env: run the command in the hint by hand.",
  "compose-old":
    "This Compose cannot say beforehand what a restart would change. " +
    "Rotations work, but they would deploy a change of the compose file or of the image since " +
    "the start without notice. Install Compose 2.30 or newer.",
  "reader-unlisted":
    "Another service reads a file that Mycelium writes, and no deployment restarts it: " +
    "after a rotation it keeps the old value and loses its access. " +
    "Add it to the deployment's services, or give it a deployment of its own.",
  "reader-missing":
    "No deployment reads an output, so no restart follows when it changes: a program that reads " +
    "it once, at its start, keeps the old value and loses its access when that is revoked. " +
    "Name the program in a deployment, or in the reads of one. There is nothing to do for a " +
    "program that reads the file at each use.",
  "health-shallow":
    "The health check proves that a program listens, not that it works with the new value: " +
    "a program that cannot log in to its database may listen all the same. " +
    "Check something that needs the value, such as an http address that reads the database.",
  "hook-writable":
    "Users other than root and mycelium's own can change a program that mycelium would run, " +
    "a script that the command gives to an interpreter or a shell, or a compose file that it " +
    "gives to Docker: such a user would get mycelium's rights. It is never run. " +
    "A rotation does not begin. A containment goes on without it: values change and old ones " +
    "die, the deployment is not restarted, and its secrets are noted as not contained. " +
    "Do as the message says (chown to root, chmod go-w), and read what the file holds now. " +
    "Then give the same command again, with --incident and the incident's name. " +
    "mycelium help restarts says which files are looked at.",
  "pid-file-foreign":
    "Another user can write in the folder of a pid file, and the process that the file names is " +
    "not theirs: they could move any pid file onto the name, and mycelium would signal any " +
    "process for them. So it sends no signal. A rotation does not begin; a containment goes on, " +
    "and notes that the deployment was not restarted. Let the program keep its pid file in a " +
    "folder that only root and mycelium's user can write in, or run as the folder's owner.",
  "hook-missing":
    "A program named in the config is missing or not executable. " +
    "The rotation is not started, because neither the restart nor the rollback could run. " +
    "(rotate-now --contain warns and continues.) Put the program there, chmod +x it, " +
    "or correct the path.",
} as const
