export * from './call.ts';
export * from './descriptor.ts';
export * from './errors.ts';
export * from './event.ts';
export * from './provider.ts';
export * from './redact.ts';
export * from './tool-ids.ts';
export * from './values.ts';
