export function install(
  name: 'wheels' | 'requirements' | 'clients',
): { readonly python: string } | { readonly missing: string };
