import { XMLBuilder, XMLParser } from "fast-xml-parser";
import { S3Failure } from "./failure.ts";

const builder = new XMLBuilder({ ignoreAttributes: false });
const parser = new XMLParser({
  parseTagValue: false,
  ignoreAttributes: true,
  isArray: (name) => name === "Part" || name === "Object",
});

export function xml(name: string, content: object): string {
  const namespace = { "@_xmlns": "http://s3.amazonaws.com/doc/2006-03-01/" };
  return `<?xml version="1.0" encoding="UTF-8"?>\n${builder.build({ [name]: { ...namespace, ...content } })}`;
}

/** The content of the document element. @throws `MalformedXML` if that is another one. */
export function parseXml(name: string, body: Buffer): Readonly<Record<string, unknown>> {
  let document: unknown;
  try {
    document = parser.parse(body.toString(), true);
  } catch {
    throw new S3Failure(400, "MalformedXML");
  }
  const content = (document as Record<string, unknown>)[name];
  if (typeof content !== "object" || content === null) throw new S3Failure(400, "MalformedXML");
  return content as Record<string, unknown>;
}
