// What may others use of httpd's expression language? parseCondition() and parseString() when the configuration is read,
// evaluateCondition() and evaluateString() for a request, which they see as an ExpressionSubject.

export type { Condition, Word } from "./ast.ts";
export { type Captures, evaluateCondition, evaluateString } from "./evaluate.ts";
export { constantText, explained, parseCondition, parseString } from "./parser.ts";
export type { ExpressionFiles, ExpressionSubject, OwnVariable } from "./subject.ts";
export type { VariableName } from "./vocabulary.ts";
