import ts from "typescript";

// jazzer.js would do all this, but its addon wants a newer C library than Debian 12 has; and the coverage that V8 itself
// keeps costs a hundred times what the readers do. So a place is a block of the source, and passing it is a call.

/** Makes the sources that fit count the places that are passed, by `__passed(place)`. */
export function instrumented(files: RegExp) {
  let next = 0;
  return {
    name: "instrumented",
    enforce: "pre" as const,
    transform(code: string, id: string) {
      if (!files.test(id)) return undefined;
      const { outputText } = ts.transpileModule(code, {
        fileName: id,
        compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
        transformers: { before: [(context) => (file) => ts.visitNode(file, visitor(context)) as ts.SourceFile] },
      });
      return { code: outputText, map: null };
    },
  };

  function visitor(context: ts.TransformationContext): ts.Visitor {
    const { factory: f } = context;
    const call = () =>
      f.createCallExpression(f.createIdentifier("__passed"), undefined, [f.createNumericLiteral(next++)]);
    const noted = (expression: ts.Expression) => f.createParenthesizedExpression(f.createComma(call(), expression));
    const visit: ts.Visitor = (node) => {
      if (ts.isTypeNode(node)) return node;
      const inner = ts.visitEachChild(node, visit, context);
      if (ts.isBlock(inner)) return f.updateBlock(inner, [f.createExpressionStatement(call()), ...inner.statements]);
      if (ts.isCaseOrDefaultClause(inner)) return inner;
      if (ts.isArrowFunction(inner) && !ts.isBlock(inner.body)) {
        const { modifiers, typeParameters, parameters, type, equalsGreaterThanToken } = inner;
        const body = noted(inner.body);
        return f.updateArrowFunction(inner, modifiers, typeParameters, parameters, type, equalsGreaterThanToken, body);
      }
      if (ts.isIfStatement(inner)) {
        const { thenStatement, elseStatement } = inner;
        return f.updateIfStatement(
          inner,
          inner.expression,
          inBlock(thenStatement),
          elseStatement && inBlock(elseStatement),
        );
      }
      if (ts.isConditionalExpression(inner)) {
        const { condition, questionToken, whenTrue, colonToken, whenFalse } = inner;
        return f.updateConditionalExpression(
          inner,
          condition,
          questionToken,
          noted(whenTrue),
          colonToken,
          noted(whenFalse),
        );
      }
      if (ts.isBinaryExpression(inner) && LOGICAL.has(inner.operatorToken.kind))
        return f.updateBinaryExpression(inner, inner.left, inner.operatorToken, noted(inner.right));
      return inner;
    };
    const inBlock = (statement: ts.Statement) =>
      ts.isBlock(statement) ? statement : f.createBlock([f.createExpressionStatement(call()), statement]);
    return visit;
  }
}

const LOGICAL = new Set([
  ts.SyntaxKind.AmpersandAmpersandToken,
  ts.SyntaxKind.BarBarToken,
  ts.SyntaxKind.QuestionQuestionToken,
]);
