/**
 * Programs of yours that apply, verify and revoke values; and programs that are run with values.
 */
export const exec = {
  "exec-failed":
    "Your program ended with an error. Its output is not repeated, because it may hold " +
    "values: let it write a log of its own. Nothing is decided on this. " +
    "Run it by hand with the same JSON on stdin.",
  "exec-killed":
    "Your program was ended by a signal, so it is unknown whether it did what was asked. " +
    "mycelium run asks it again; without it, repeat the command. " +
    "Every operation must be safe to repeat.",
  "exec-later":
    "Your program asks to be tried again later (exit 75). " +
    "mycelium run does that; without it, repeat the command.",
  "exec-protocol":
    "Your program speaks another version of the protocol than this mycelium. " +
    "Bring one of the two up to date.",
  "exec-unclear":
    "Your program's answer is not the JSON that was expected. It counts as unknown. " +
    "See the drivers' README for what it must print.",
  "exec-still-running":
    "An earlier call of your program is still running and cannot be ended. " +
    "It could take effect later, so nothing is decided. " +
    "Look at that process and end it by hand.",
  "exec-cannot-probe":
    "Your program cannot log in (probe), so nothing would prove a rotation. Teach it verify. " +
    "If the service holds two values, trust_apply: true accepts its word instead.",
  "exec-unproven":
    "Your program cannot log in, and trust_apply accepts its word: " +
    "a success that it reports counts as proof. Teach it verify if the service has any way to " +
    "try a value.",
  "exec-disagrees":
    "The config and your program's describe say different things about how many values the " +
    "service holds. The wrong one of the two would lock clients out. " +
    "Correct holds in the config, or the program.",
  "exec-program-open":
    "Users other than root and mycelium's own can change your program, which is given the " +
    "values: it belongs to another user, or they can write to it or to a folder on the path " +
    "to it. It was not run. Do as the message says, and look at what it holds before it runs " +
    "again.",
  "exec-trust-needless":
    "Your program can log in, so its word need not be trusted: remove trust_apply.",
  "exec-field-unknown":
    "Your program asks for a field that no version has. Fields are user and password.",
  "exec-user-missing": "Your program needs a user, and the config names none. Write user: NAME.",
  "exec-cannot-forget":
    "Your program cannot take every value away at once, so mycelium delete cannot end the " +
    "login. Teach it forget; or end the login at the service by hand and add --login-ended.",
  "exec-conflict":
    "Two outputs show different values of one variable, so mycelium exec does not know which " +
    "one to give to the program. Choose one file with --from.",
} as const
