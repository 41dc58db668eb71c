/** An answer of S3 that is no success. @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
export class S3Failure extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message = code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const noSuchKey = () => new S3Failure(404, "NoSuchKey", "The specified key does not exist.");
export const noSuchUpload = () => new S3Failure(404, "NoSuchUpload", "The specified multipart upload does not exist.");
export const preconditionFailed = () =>
  new S3Failure(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold");
export const invalid = (message: string) => new S3Failure(400, "InvalidArgument", message);
