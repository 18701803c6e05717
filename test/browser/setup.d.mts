export function install(): { readonly browser: string } | { readonly missing: string };
