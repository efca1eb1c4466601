export const serviceContract = 'contract';
