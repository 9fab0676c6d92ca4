/** Names that said too little, or several things, and were given up for the field's own terms. */
export const formerNames: ReadonlySet<string> = new Set(
  `says Place Reach known Known look lookAt lookInto lookAgain how about sick ill notContained kept uncertain owed expel
  cutFirst hurry hasty brief patient patience settle quiet shift Shift Standing Standable standingIn Way Attention attend Ends
  become survey tendLog tended holdsSealed Given park takeUp takenUp Laggards relapsed firsts remark noteLeft noteSick Turn
  Turns inTurn turnBack Draft stored forget also wrote whole printOf printsOf stamp tell told talk out`.split(
    /\s+/,
  ),
)
