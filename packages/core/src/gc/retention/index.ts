export { decideRetention, type RetentionDecision, type TagFacts } from "./decide.ts";
