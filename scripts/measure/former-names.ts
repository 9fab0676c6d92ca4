/**
 * Names that said too little, or several things, and were given up for the field's own terms. Not
 * here, because they are kept:
 * - terms of this program: `whole` (an output that is ours as a whole), `settle` (the act of a
 *   driver), `owed`, `Draft` (of an output), `uncertain` (a stage), `forget` (a verb of the protocol
 *   of `exec`), `also` (a key of the config);
 * - plain words of a few lines, which mean what they say there: `known`, `Known`, `kept`, `stored`,
 *   `told`, `tell`, `out`, `about`, `look`, `quiet`, `shift` (of an array).
 */
export const formerNames: ReadonlySet<string> = new Set(
  `says Place Reach lookAt lookInto lookAgain how sick isSick ill notContained expel expelled
  cutFirst hurry hasty brief patient patience Shift Standing Standable standingIn Way Attention attend Ends
  become survey tendLog tended holdsSealed Given park takeUp takenUp Laggards relapsed firsts remark noteLeft noteSick Turn
  Turns inTurn turnBack wrote printOf printsOf stamp talk`.split(/\s+/),
)
