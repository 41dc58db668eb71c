import ts from "typescript";

/** Functions of vitest, of the conformance suite and of the checks that are given the titles of tests. */
const TAKERS = new Set(["describe", "it", "test", "rule", "rules"]);

/**
 * What the tests in a file are called: the first argument of `test("…")`, `test.each(…)("…")` and the like, the first
 * text of each row of `test.each([…])`, and the keys of `rules("…", { "…": … })`. What is put in by `${…}` is cut out.
 */
export function titlesOf(path: string, text: string): string[] {
  const titles: string[] = [];
  const visit = (node: ts.Node) => {
    if (ts.isCallExpression(node) && TAKERS.has(nameOf(node.expression))) {
      const [first, second] = node.arguments;
      if (isEach(node.expression)) titles.push(...rowsOf(first));
      else titles.push(...textsOf(first));
      if (nameOf(node.expression) === "rules") titles.push(...keysOf(second));
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest));
  return titles;
}

/** Of `test`, `test.each` and `test.each([…])` it is `test`; what is skipped or still to do shows nothing, and is none. */
function nameOf(node: ts.Expression): string {
  if (ts.isIdentifier(node)) return node.text;
  if (ts.isPropertyAccessExpression(node) && ["skip", "todo"].includes(node.name.text)) return "";
  return ts.isCallExpression(node) || ts.isPropertyAccessExpression(node) ? nameOf(node.expression) : "";
}

function isEach(node: ts.Expression): boolean {
  return ts.isPropertyAccessExpression(node) && node.name.text === "each";
}

function rowsOf(table: ts.Expression | undefined): string[] {
  if (table === undefined) return [];
  if (ts.isAsExpression(table)) return rowsOf(table.expression);
  if (!ts.isArrayLiteralExpression(table)) return [];
  return table.elements.flatMap((row) => textsOf(ts.isArrayLiteralExpression(row) ? row.elements[0] : row));
}

function keysOf(node: ts.Expression | undefined): string[] {
  if (node === undefined || !ts.isObjectLiteralExpression(node)) return [];
  return node.properties.flatMap(({ name }) =>
    textsOf(name && ts.isComputedPropertyName(name) ? name.expression : name),
  );
}

function textsOf(node: ts.Node | undefined): string[] {
  if (node === undefined) return [];
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (!ts.isTemplateExpression(node)) return [];
  return [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)];
}
