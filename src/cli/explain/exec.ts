/**
 * Programs of yours that apply, verify and revoke values; and programs that are run with values.
 */
export const exec = {
  "exec-failed":
    "Your program ended with an error. What it said is not repeated, for it may hold values: let it keep a log of its own. Nothing is decided on it; run it by hand with the same JSON on stdin.",
  "exec-killed":
    "Your program was ended by a signal, so nobody knows whether it did what was asked. mycelium run asks it again; without it, repeat the command. Every operation must be safe to repeat.",
  "exec-later":
    "Your program asks to be tried again later (exit 75). mycelium run does that; without it, repeat the command.",
  "exec-protocol":
    "Your program speaks another version of the protocol than this mycelium. Bring one of the two up to date.",
  "exec-unclear":
    "Your program's answer is not the JSON that was expected. It counts as unknown. See the drivers' README for what it must print.",
  "exec-still-running":
    "An earlier call of your program is still running and cannot be ended; it could land later, so nothing is decided. Look at that process and end it by hand.",
  "exec-cannot-probe":
    "Your program cannot log in (probe), so nothing would prove a rotation. Teach it verify; where the service holds two values, trust_apply: true takes its word instead.",
  "exec-unproven":
    "Your program cannot log in, and trust_apply takes its word: that it said yes counts as proof. Teach it verify if the service has any way to try a value.",
  "exec-disagrees":
    "The config and your program's describe say different things about how many values the service holds. The wrong one of the two would lock clients out. Correct holds in the config, or the program.",
  "exec-program-open":
    "Others than root and mycelium's user can change your program, which is given the values: it belongs to another user, or they can write into it or in a folder on the way to it. It was not run. Do as the message says, and look at what it holds before it runs again.",
  "exec-trust-needless":
    "Your program can log in, so its word need not be trusted: take trust_apply out.",
  "exec-field-unknown":
    "Your program asks for a field that no version has. Fields are user and password.",
  "exec-user-missing": "Your program needs a user, and the config names none. Write user: NAME.",
  "exec-cannot-forget":
    "Your program cannot take every value away at once, so mycelium delete cannot end the login. Teach it forget; or end the login at the service by hand and add --keep-login.",
  "exec-conflict":
    "Two outputs show different values of one variable, so mycelium exec cannot tell which to give the program. Choose one file with --from.",
} as const
