export function install(name: 'wheels' | 'requirements'): { readonly python: string } | { readonly missing: string };
