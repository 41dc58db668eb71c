import { project } from "../vitest/project.ts";

export default project("s3-strict");
