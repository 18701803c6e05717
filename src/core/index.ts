export * from './abort.ts';
export * from './call.ts';
export * from './errors.ts';
export * from './event.ts';
export * from './money.ts';
export * from './order.ts';
export * from './provider.ts';
export * from './usage.ts';
