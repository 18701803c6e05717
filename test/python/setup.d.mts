export function install(
  name: 'wheels' | 'requirements' | 'clients' | 'openapi',
): { readonly python: string } | { readonly missing: string };
