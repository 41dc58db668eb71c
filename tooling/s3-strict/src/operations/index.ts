import { S3Failure } from "../failure.ts";
import { header, type S3Answer, type S3Request } from "../request.ts";
import { deleteObjects, listObjects } from "./bucket.ts";
import {
  abortMultipart,
  completeMultipart,
  createMultipart,
  listMultiparts,
  listParts,
  uploadPart,
  uploadPartCopy,
} from "./multipart.ts";
import { copyObject, deleteObject, type Ground, getObject, headObject, putObject } from "./objects.ts";

/** By the names that AWS has for them. */
const OPERATIONS = {
  HeadBucket: () => ({ status: 200 }),
  ListObjectsV2: listObjects,
  ListMultipartUploads: listMultiparts,
  DeleteObjects: deleteObjects,
  PutObject: putObject,
  GetObject: getObject,
  HeadObject: headObject,
  DeleteObject: deleteObject,
  CopyObject: copyObject,
  CreateMultipartUpload: createMultipart,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
  CompleteMultipartUpload: completeMultipart,
  AbortMultipartUpload: abortMultipart,
  ListParts: listParts,
} satisfies Record<
  string,
  (ground: Ground, request: S3Request, refusal: (key: string) => string | undefined) => S3Answer
>;

export type Operation = keyof typeof OPERATIONS;

export function run(
  operation: Operation,
  ground: Ground,
  request: S3Request,
  refusal: (key: string) => string | undefined,
): S3Answer {
  return OPERATIONS[operation](ground, request, refusal);
}

/** Which operation a request is. */
export function operationOf(request: Pick<S3Request, "method" | "key" | "query" | "headers">): Operation {
  const { method, key, query } = request;
  const isPart = query.has("uploadId");
  const isCopy = header(request, "x-amz-copy-source") !== undefined;
  const found =
    key === ""
      ? ({
          HEAD: "HeadBucket",
          GET: query.has("uploads") ? "ListMultipartUploads" : "ListObjectsV2",
          POST: query.has("delete") ? "DeleteObjects" : undefined,
        } as const)
      : ({
          HEAD: "HeadObject",
          GET: isPart ? "ListParts" : "GetObject",
          PUT: isPart ? (isCopy ? "UploadPartCopy" : "UploadPart") : isCopy ? "CopyObject" : "PutObject",
          DELETE: isPart ? "AbortMultipartUpload" : "DeleteObject",
          POST: isPart ? "CompleteMultipartUpload" : query.has("uploads") ? "CreateMultipartUpload" : undefined,
        } as const);
  const operation = (found as Record<string, Operation | undefined>)[method];
  if (operation === undefined) throw new S3Failure(405, "MethodNotAllowed");
  return operation;
}
