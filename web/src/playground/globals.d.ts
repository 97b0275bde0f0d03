// What the build puts in: addresses of the editor's workers.
declare const EDITOR_WORKER: string;
declare const JSON_WORKER: string;
declare const GRAPHQL_WORKER: string;

declare module '*.css';
